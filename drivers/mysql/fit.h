/* fit.h — what a column would make of a value that is stored in it. */
#ifndef MY_FIT_H
#define MY_FIT_H

#include "connhub/driver.h"

/* May values be stored in this column at all?  Returns NULL, or the reason why not. */
extern const char *my_store_refusal(const ConnhubSource *source, const ConnhubColumn *column);

/* May a SET compute what is stored in it?  Values that my_value_refusal would look at are not seen then. */
extern const char *my_assign_refusal(const ConnhubColumn *column);

/* Would the column keep this value unchanged?  Returns NULL, or what is wrong with it: "is null".  What the
 * source itself refuses under its strict mode is left to it. */
extern const char *my_value_refusal(const ConnhubColumn *column, const ConnhubValue *value);

#endif							/* MY_FIT_H */
