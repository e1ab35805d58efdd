/* What the process may ask of the kernel from now on, for starts that no systemd
 * unit has fenced in: no other program, no other user, no other kind of socket. */
#ifndef BELLPULL_SERVER_FENCE_H
#define BELLPULL_SERVER_FENCE_H

/* For this thread and all that it starts; there is no way back. Returns 0 or errno:
 * then nothing has changed (a kernel or a container without seccomp). */
int gw_fence_enter(void);

#endif
