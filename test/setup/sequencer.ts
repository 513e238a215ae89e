import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Whole-system tests first. On a clean checkout there are no durations of an earlier run, and files are ordered by their
 * size, which says little: a short file that starts a cloud would come among the last, with the other cores idle beside it.
 */
export class WholeSystemFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const whole = (file: TestSpecification) => file.moduleId.includes("/test/");
    return [...sorted.filter(whole), ...sorted.filter((file) => !whole(file))];
  }
}
