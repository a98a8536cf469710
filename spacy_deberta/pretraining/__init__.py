"""Pretraining: objectives, masking, data and the loop."""
