"""The outside worlds: Docker, programs, the NVIDIA driver, HTTP, files. One file each."""
