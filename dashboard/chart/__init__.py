"""Figures that several pages draw: data first, then a plotly figure or the canvas component."""
