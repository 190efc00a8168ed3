"""Getting runs trained: the queue, the worker, launchers, supervision, and the Keras server."""
