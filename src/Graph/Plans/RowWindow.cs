namespace Singa.Actors.Graph.Plans;

/// <summary>
/// Where an operand's rows lie in memory when its leading dimensions are rows: row r takes bytes within <c>First + r·Step</c> up to, not
/// including, <c>End + r·Step</c>. <c>Step</c> is null where rows are not evenly apart; then the two are those of row 0. All rows together lie
/// within <c>Low</c> up to <c>High</c>.
/// </summary>
internal readonly record struct RowWindow(int Block, long First, long End, long? Step, long Low, long High)
{
    /// <summary>How many leading dimensions are so many rows, the fewest; −1 where no number of them is.</summary>
    public static int Axes(Shape shape, long rows)
    {
        long count = 1;
        for (int axis = 0; axis <= shape.Rank; axis++)
        {
            if (count == rows)
                return axis;
            if (axis < shape.Rank)
                count *= shape[axis];
        }

        return -1;
    }

    /// <param name="operand">Its leading dimensions must be rows, and it must have elements.</param>
    /// <param name="origin">Where its block begins.</param>
    public static RowWindow Of(Operand operand, long rows, long origin = 0)
    {
        int axes = Axes(operand.Shape, rows), size = operand.DType.Size();
        long at = origin + operand.Offset * size;
        var (before, after) = Reach(operand, axes, operand.Shape.Rank);
        var (beforeAll, afterAll) = Reach(operand, 0, axes);
        return new RowWindow(
            operand.Block, at - before, at + after + size, StepOf(operand, axes), at - before - beforeAll, at + after + size + afterAll);
    }

    public bool Covers(RowWindow other) => Block == other.Block && Low <= other.Low && other.High <= High;

    /// <summary>Whether no row of one touches another row of the other.</summary>
    public bool KeepsApart(RowWindow other)
    {
        if (High <= other.Low || other.High <= Low)
            return true;
        return Step is { } step && other.Step == step && Math.Max(End, other.End) - Math.Min(First, other.First) <= step;
    }

    private static (long Before, long After) Reach(Operand operand, int from, int to)
    {
        var (before, after) = (0L, 0L);
        for (int axis = from; axis < to; axis++)
        {
            long reach = (operand.Shape[axis] - 1) * operand.Strides[axis] * operand.DType.Size();
            before += Math.Max(0, -reach);
            after += Math.Max(0, reach);
        }

        return (before, after);
    }

    private static long? StepOf(Operand operand, int axes)
    {
        long step = 0, next = 0, count = 1;
        for (int axis = axes - 1; axis >= 0; axis--)
        {
            if (operand.Shape[axis] == 1)
                continue;
            if (count == 1)
                step = operand.Strides[axis];
            else if (operand.Strides[axis] != next)
                return null;
            count *= operand.Shape[axis];
            next = operand.Strides[axis] * operand.Shape[axis];
        }

        return step * operand.DType.Size();
    }
}
