/* What the files of the recordings share; nobody else includes it.
 *
 *   recordings.c        the thread, its jobs, old files
 *   recordings_write.c  from sound to a file
 *   recordings_read.c   from a file to whoever downloads it
 *   wav.c               the head of a file */
#ifndef BELLPULL_SERVER_RECORDINGS_IMPL_H
#define BELLPULL_SERVER_RECORDINGS_IMPL_H

#include <re.h>

#include "server/loop.h"
#include "server/recordings.h"
#include "server/store.h"

enum { GW_RECORDING_NAME_SIZE = GW_STORE_ID_SIZE + 4 };

/* Something for the thread to do. It is part of its owner's own struct, which has
 * to live until doneh, on the loop thread, has been called. */
struct gw_recordings_job {
	struct gw_recordings_job *next;
	struct gw_loop_note note;
	size_t bytes;                                 /* of sound in it */
	void (*workh)(struct gw_recordings_job *job); /* on the thread */
	void (*doneh)(struct gw_recordings_job *job); /* on the loop */
};

/* Returns 0, ENOBUFS (too many bytes wait for the disk) or ESHUTDOWN; then no
 * handler is called. A job without bytes always has room. */
int gw_recordings_push(struct gw_recordings_job *job);

/* The file of a call in the directory, on the thread: an fd, or -1 and errno. */
int gw_recordings_file(const char *name, int flags);
void gw_recordings_unlink(const char *name);
void gw_recordings_sync_dir(void);

/* "call_....wav". False: that is no id, and no name is made of it. */
bool gw_recordings_name(char name[GW_RECORDING_NAME_SIZE], const char *call_id);

/* wav.c: stereo, 16 bit. */
enum {
	GW_WAV_HEAD = 44,
	GW_WAV_PAIR = 4, /* bytes of a sample of both */
};
#define GW_WAV_PAIRS_MAX ((UINT32_MAX - GW_WAV_HEAD) / GW_WAV_PAIR)
void gw_wav_head(uint8_t head[GW_WAV_HEAD], uint32_t rate, uint32_t pairs);
/* False: not one of ours. */
bool gw_wav_read_head(const uint8_t head[GW_WAV_HEAD], uint32_t *ratep,
		      uint32_t *pairsp);
uint32_t gw_wav_ms(uint32_t rate, uint32_t pairs);
uint64_t gw_wav_bytes(uint32_t pairs);

#endif
