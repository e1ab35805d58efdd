/* Recordings of calls as WAV files: stereo, 16 bit, from on the left and to on the
 * right, ID.wav in the directory media.recordings. A thread writes and reads them,
 * so that no call ever waits for a disk.
 *
 * A file is whole at any moment, also should this process die: its head is
 * written again behind each piece. Who may have one is for others to say. */
#ifndef BELLPULL_SERVER_RECORDINGS_H
#define BELLPULL_SERVER_RECORDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_call_sound;
struct gw_recordings_track;
struct gw_recordings_reader;

/* Files last written keep_days ago or earlier are removed, now and each hour.
 * The directory is made when there is something to write. */
int gw_recordings_open(const char *dir, uint32_t keep_days);
/* Writes what waits and joins the thread; gw_loop_drain() tells the last ends. */
void gw_recordings_close(void);

/* Writing ------------------------------------------------------------------- */

struct gw_recordings_end {
	int err; /* 0, or why the sound since the last end is not in the file */
	uint32_t duration_ms; /* of the whole file; 0: there is none */
	uint64_t bytes;
};
typedef void(gw_recordings_end_h)(const struct gw_recordings_end *end,
				  void *arg);

/* endh is told once for each piece that is the last of a run, when the file is on
 * disk or given up; none after mem_deref(). Returns 0 or ENOMEM. */
int gw_recordings_track_alloc(struct gw_recordings_track **recp,
			      const char *call_id, gw_recordings_end_h *endh,
			      void *arg);

/* The samples are copied. A second run is put behind the first one. */
void gw_recordings_add(struct gw_recordings_track *rec,
		       const struct gw_call_sound *sound);

/* What a process that died has left of a call; blocks, for the start. ENOENT. */
int gw_recordings_found(struct gw_recordings_end *end, const char *call_id);

/* The file of an ended call goes. */
void gw_recordings_erase(const char *call_id);

/* Reading ------------------------------------------------------------------- */

struct gw_recordings_reader_h {
	void (*openedh)(int err, uint64_t bytes, void *arg); /* once */
	void (*moreh)(void *arg); /* gw_recordings_read() has something again */
};

/* Neither handler is called after mem_deref(). Returns 0, EBUSY (too many read
 * at the same time) or ENOMEM. */
int gw_recordings_reader_alloc(struct gw_recordings_reader **readerp,
			       const char *call_id,
			       const struct gw_recordings_reader_h *h,
			       void *arg);

/* How many bytes were put into buf; 0: none yet; -1: it can't be read on. */
int gw_recordings_read(struct gw_recordings_reader *reader, uint8_t *buf,
		       size_t size);

#endif
