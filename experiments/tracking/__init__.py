"""The only place that imports mlflow: the store, its runs, their histories and artifacts."""
