"""What is generated from the models: the CRD, the JSON Schema for editors, and the reference for people."""
