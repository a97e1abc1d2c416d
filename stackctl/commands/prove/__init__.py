"""`stackctl prove`: is what runs of any use?"""
