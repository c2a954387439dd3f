"""The batched inference core: tokens, batches, network, device."""
