"""The page *Pretrained*: the networks of keras.applications."""
