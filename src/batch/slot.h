/* batch/slot.h — batch row → TupleTableSlot. */
#ifndef CH_BATCH_SLOT_H
#define CH_BATCH_SLOT_H

#include "executor/tuptable.h"

#include "connhub/driver.h"

typedef struct ChSlotReader ChSlotReader;

/* A reader of batches whose column i goes to attribute attnums[i] of desc; 0: the column is dropped; -n: it is a
 * count, by which the numeric sum in attribute n, from an earlier column, is divided.
 * Attributes without a batch column are null.  relation names the foreign table in errors; NULL for a
 * join.  Lives in the current memory context; desc must live as long. */
extern ChSlotReader *ch_slot_reader_create(TupleDesc desc, const AttrNumber *attnums, int ncolumns,
										   const char *relation);

/* The types wanted, one per batch column: for ConnhubQuery.columns and ch_batch_reset.  A dropped
 * column is wanted as INT64. */
extern const ConnhubTypeRef *ch_slot_reader_wanted(const ChSlotReader *reader);

/* Call once for each batch fetched, before its first row: settles how each column is converted. */
extern void ch_slot_reader_begin(ChSlotReader *reader, const ConnhubBatch *batch);

/* Store a row of that batch.  Values by reference are allocated in the current memory context, one copy
 * each.  A value that the attribute cannot hold unchanged is an error naming the column. */
extern void ch_slot_reader_store(ChSlotReader *reader, uint32 row, TupleTableSlot *slot);

#endif
