/* batch/batch.h — host side of ConnhubBatch: allocate, validate, reset. */
#ifndef CH_BATCH_BATCH_H
#define CH_BATCH_BATCH_H

#include "connhub/driver.h"

/* A batch for ncolumns columns, in a memory context of its own below parent. */
extern ConnhubBatch *ch_batch_create(MemoryContext parent, int ncolumns, int capacity, Size max_bytes);

/* Empty it and set each column's type to the one wanted. */
extern void ch_batch_reset(ConnhubBatch *batch, const ConnhubTypeRef *wanted);

/* ConnhubHost.batch_alloc */
extern void *ch_batch_alloc(ConnhubBatch *batch, size_t size);

/* Throws when a driver broke the rules: no row, more rows than capacity, a type of another storage class. */
extern void ch_batch_validate(const ConnhubBatch *batch, const ConnhubTypeRef *wanted);

/* Bytes of the values in it; 0 when the driver broke the rules. */
extern uint64 ch_batch_bytes(const ConnhubBatch *batch);

extern void ch_batch_free(ConnhubBatch *batch);

#endif
