"""What a comparison of runs computes and draws: data first, then figures. No streamlit here."""
