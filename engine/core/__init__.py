"""What every room uses: errors, paths, files, parameters, progress, jobs, TensorFlow's start-up."""
