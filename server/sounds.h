/* The WAV files of media.sounds, read once at the start and kept in memory: a
 * call that plays one never waits for a disk. */
#ifndef BELLPULL_SERVER_SOUNDS_H
#define BELLPULL_SERVER_SOUNDS_H

struct gw_sound;

/* Reads every *.wav below dir (not deeper), at most 100 files of 16 MiB and
 * 64 MiB in all. A directory that does not exist is none. What cannot be read is
 * told in the log and left out. */
int gw_sounds_load(const char *dir);
void gw_sounds_close(void); /* after the media thread has stopped */

/* By file name, with or without ".wav"; NULL when there is none. */
const struct gw_sound *gw_sounds_find(const char *name);

#endif
