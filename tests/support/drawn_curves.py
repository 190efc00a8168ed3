"""Curves drawn by hand, for verdicts on them."""

import pandas as pd

FALLING = [2.3, 1.5, 1.0, 0.7, 0.5, 0.38, 0.3, 0.25, 0.22, 0.2, 0.19, 0.18, 0.175, 0.17, 0.168]
LEVELLED = [2.3, 1.4, 0.9, 0.6, 0.45, 0.38, 0.34, 0.32, 0.31, 0.305, 0.303, 0.302, 0.301, 0.3, 0.3]
TURNING = [2.3, 1.5, 1.1, 0.9, 0.8, 0.75, 0.76, 0.8, 0.85, 0.92, 1.0, 1.08, 1.15, 1.2, 1.3]


def history(loss, val_loss=None, **more) -> pd.DataFrame:
    columns = {"loss": loss} | ({} if val_loss is None else {"val_loss": val_loss}) | more
    return pd.DataFrame(columns, index=pd.RangeIndex(len(loss), name="epoch"), dtype=float)
