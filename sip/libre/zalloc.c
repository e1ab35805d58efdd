/* sip/libre/zalloc.c - large zeroed memory that costs nothing until it is used.
 *
 * libre keeps two tables with a row for each file descriptor that there could be,
 * in each thread with a loop, and zeroing them makes them resident: 880 kB a
 * thread for 20,000 descriptors, of which an idle gateway uses thirty. Linked with
 * --wrap=mem_zalloc: pages that are given back to the kernel come again as zeros,
 * and only when they are touched. */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <re.h>

enum { LARGE = 256 * 1024 };

void *__real_mem_zalloc(size_t size, mem_destroy_h *dh);
void *__wrap_mem_zalloc(size_t size, mem_destroy_h *dh);

void *__wrap_mem_zalloc(size_t size, mem_destroy_h *dh)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first, last;
	uint8_t *p;

	if (size < LARGE)
		return __real_mem_zalloc(size, dh);

	p = mem_alloc(size, dh);
	if (!p)
		return NULL;

	first = ((uintptr_t)p + page - 1) & ~(page - 1);
	last = ((uintptr_t)p + size) & ~(page - 1);
	if (madvise((void *)first, last - first, MADV_DONTNEED)) {
		memset(p, 0, size);
		return p;
	}
	memset(p, 0, first - (uintptr_t)p);
	memset((void *)last, 0, (uintptr_t)p + size - last);
	return p;
}
