"""From a netlist to a placed and routed unit: area, clock rate, critical path."""
