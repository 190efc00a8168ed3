"""The web dashboard: the only package that imports streamlit."""
