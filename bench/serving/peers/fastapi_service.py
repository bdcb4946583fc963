"""FastAPI under uvicorn, as people write it. Environment: MODEL, a joblib file."""

import os

import joblib
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = joblib.load(os.environ["MODEL"])


class Asked(BaseModel):
    """Rows of numbers."""

    rows: list[list[float]]


@app.post("/predict")
def predict(asked: Asked) -> dict[str, list[int]]:
    """Predict rows."""
    return {"predictions": model.predict(asked.rows).tolist()}
