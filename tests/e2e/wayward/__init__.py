"""A model with one fault a version, for the guards: which rows are hit is in the row itself."""
