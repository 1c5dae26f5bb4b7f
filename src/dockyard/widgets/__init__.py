"""Explorers made of ipywidgets: thin, over `dockyard.figures` and docker-py."""
