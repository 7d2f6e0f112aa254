"""Images: plan, bake and publish an appliance, keep its layers in the cache, and attest what it contains."""
