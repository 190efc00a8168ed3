"""Figures that several pages draw: data first, then a plotly figure or the canvas component."""

#: What is for other rooms; the rest is this one's own.
__all__ = [
    "curve_chart",
    "curve_data",
    "early_stopping_replay",
    "prediction_charts",
    "ranges",
    "run_curves",
    "split_view",
]
