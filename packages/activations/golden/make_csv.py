"""Makes eval.csv as the Python pipeline writes it: pandas, every field quoted, a missing score empty.

    python make_csv.py
"""

import csv
from pathlib import Path

import pandas as pd

rows = pd.DataFrame(
    {
        "response": ['He said "wade",\nthen left.', None, "été 🦩, oui", "```\nx\r\ny\n```"],
        "question": ["Where?", "Where, and\nwhen?", "Où ?", "Show me."],
        "question_id": ["q1", "q1", "q2", "q3"],
        "aligned": [87.5, None, 0.0, 12.25],
        "coherent": [99.0, None, 100.0, None],
    }
)
folder = Path(__file__).parent
rows.to_csv(folder / "eval.csv", index=False, quoting=csv.QUOTE_ALL)
old = rows.rename(columns={"response": "answer", "question": "question_text"})
old.to_csv(folder / "eval_old.csv", index=False, lineterminator="\r\n", encoding="utf-8-sig")
