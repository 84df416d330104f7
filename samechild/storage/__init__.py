"""Where an installation keeps things: the identity vault, the content vault and the gate's database, each apart.

Who a child is and what is known about the child lie in two databases under different keys and database roles; the gate
has a third. This room opens them and keeps transactions, and knows nothing of what the rooms above keep in them.
"""
