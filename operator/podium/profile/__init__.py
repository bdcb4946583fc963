"""The training profile: what a model was trained on, as counts, so that drift is seen once it serves.

    import mlflow
    from podium import profile

    info = mlflow.sklearn.log_model(model, name="model", signature=signature)
    profile.log(X_train, model_id=info.model_id, predictions=model.predict(X_train))
    mlflow.register_model(info.model_uri, "churn")

    making   a table becomes a profile
    writing  `log`: the profile becomes a file of the model

The profile is a file of the model itself, so it is logged before the version is registered: a version's files do not
change after that. Its errors are those of `podium.errors`.
"""

from podium.core.drift.profile import FeatureProfile, Profile
from podium.profile.making import profile_of
from podium.profile.writing import log

__all__ = ["FeatureProfile", "Profile", "log", "profile_of"]
