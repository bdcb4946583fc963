"""The API of Podium, one package a version. It imports nothing else of Podium."""
