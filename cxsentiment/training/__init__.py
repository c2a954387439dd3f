"""Training of the default model: vocabulary, alignment, fine-tuning, calibration. Needs the extra `train`."""
