"""What pages share: caches, background work, components, filters of runs, texts."""
