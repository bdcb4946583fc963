"""What the benches on the real cluster share: the stage, a model that obeys, and one ModelDeployment to be waited for.

`orders` are what the clients tell the model in their requests, `obedient` is the model, and `models` registers it;
`stage` brings up the cluster with MLflow and the operator on it, and `subject` applies the ModelDeployment and follows
it. What a bench does with them is its own.
"""
