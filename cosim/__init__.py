"""cosim: can this energy sharing physically happen, what does it cost, and who gets what?"""
