import assert from "node:assert/strict";
import { test } from "node:test";
import { daysOfOperation, type Load, meanCurrent } from "./battery.ts";

const sensor: Load = { name: "sensor", milliamperes: 60, secondsPerHour: 360 };
const modem: Load = { name: "modem", milliamperes: 400, secondsPerHour: 45 };

test("the mean current counts each load for the time that it is on", () => {
  assert.equal(meanCurrent([sensor, modem]), 11);
});

test("a battery lasts as long as its usable charge", () => {
  const battery = { capacityAh: 40, usable: 0.8 };
  assert.equal(daysOfOperation(battery, [sensor, modem]), 121);
});

test("a load cannot be on for longer than an hour an hour", () => {
  assert.throws(() => meanCurrent([{ ...modem, secondsPerHour: 3601 }]), RangeError);
});
