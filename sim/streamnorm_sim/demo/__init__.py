"""Real activations through the generated hardware: ``python -m streamnorm_sim.demo`` (``make demo``).

For each of the 13 LayerNorms of all-MiniLM-L6-v2, with its own γ, β and ε, a unit of each kind is generated and
compiled, integers and floating point, and the layer's rows run through them on the CXXRTL engine. What comes out is
compared with the golden model, the exact reference, and float64 LayerNorm of the float input.
"""
