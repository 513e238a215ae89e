/** What a buoy is fed from. */
export interface Battery {
  /** Charge when full, in ampere hours. */
  readonly capacityAh: number;
  /** Part of the charge that may be used, from 0 to 1: lead batteries die when they are emptied. */
  readonly usable: number;
}

/** A part that draws current. */
export interface Load {
  readonly name: string;
  /** While it is on, in milliamperes. */
  readonly milliamperes: number;
  /** Seconds of each hour that it is on. */
  readonly secondsPerHour: number;
}

/** The mean current of all loads, in milliamperes. Throws RangeError for a load that is on for longer than an hour an hour. */
export function meanCurrent(loads: readonly Load[]): number {
  return loads.reduce((sum, { name, milliamperes, secondsPerHour }) => {
    if (secondsPerHour < 0 || secondsPerHour > 3600) {
      throw new RangeError(`${name} cannot be on for ${secondsPerHour} seconds of an hour`);
    }
    return sum + (milliamperes * secondsPerHour) / 3600;
  }, 0);
}

/** For how many whole days a full battery feeds the loads. */
export function daysOfOperation(battery: Battery, loads: readonly Load[]): number {
  const milliampereHours = battery.capacityAh * 1000 * battery.usable;
  return Math.floor(milliampereHours / meanCurrent(loads) / 24);
}
