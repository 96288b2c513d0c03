/* decimal.h — digits of decimal expressions. */
#ifndef CONNHUB_MYSQL_DECIMAL_H
#define CONNHUB_MYSQL_DECIMAL_H

#include "connhub/driver.h"

/* What the source computes with. */
#define MY_DECIMAL_DIGITS	65
#define MY_DECIMAL_SCALE	30

/* Why a decimal constant or call is not computed exactly there, or NULL. */
extern const char *my_decimal_refusal(const ConnhubExpr *expr);

/* Does the value of expr come with as many digits after the point there as here, trailing zeros included?  True for what
 * is no decimal. */
extern bool my_decimal_is_shown_alike(const ConnhubExpr *expr);

#endif
