/** Compares a value of a sample with the one that its comment shows. */
import { expect } from "vitest"

export const assertEqual = (actual: unknown, expected: unknown): void => expect(actual).toEqual(expected)
