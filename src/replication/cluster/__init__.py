"""A profile's stages as jobs: of SLURM, or of this machine, several at a time. The graph is DVC's, the engine is submitit."""
