"""Methods that begin with an estimate and refine it by products, step by step."""
