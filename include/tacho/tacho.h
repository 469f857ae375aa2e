// Everything a program includes to be observed by tacho: zones, metrics, control, reports.
#ifndef TACHO_TACHO_H
#define TACHO_TACHO_H

#include "tacho/control.h"
#include "tacho/errors.h"
#include "tacho/metric.h"
#include "tacho/report.h"
#include "tacho/series.h"
#include "tacho/zone.h"

#endif
