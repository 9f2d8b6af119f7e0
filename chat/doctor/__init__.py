"""The route doctor: asks a model server some twenty small things and tells what it found."""
