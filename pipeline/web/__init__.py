"""The review page: read the evidence, hear it, make the call; and the packet for the debrief."""
