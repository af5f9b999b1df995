"""Pictures: cycle counts, errors, timelines, waveforms."""
