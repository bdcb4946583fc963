"""How long each command of `podium models` takes on a real MLflow of 500 versions, each with a run of its own."""
