"""Daily attendance at school, as school systems send it: a second collection at the same door.

A school sends its own pupils' marks, session by session, with the codes of the law. They are received, sealed, checked
and kept as a council's records of children are; what they say is read only with a permit for attendance.
"""
