using System.Collections.Immutable;
using Singa.Actors.Graph.Onnx.Import;

namespace Singa.Actors.Graph.Onnx.Operators;

/// <summary>Choosing boxes: how many remain is only known by their values, so it is done on the host.</summary>
internal static class Detection
{
    public static readonly ImmutableArray<OnnxOperator> Operators = [new("NonMaxSuppression", 10, Suppress)];

    private readonly record struct Box(double Top, double Left, double Bottom, double Right)
    {
        public double Area => (Bottom - Top) * (Right - Left);

        public double OverlapWith(Box other)
        {
            double height = Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top), width = Math.Min(Right, other.Right) - Math.Max(Left, other.Left);
            if (height <= 0 || width <= 0 || Area <= 0 || other.Area <= 0)
                return 0;
            double common = height * width;
            return common / (Area + other.Area - common);
        }
    }

    private static OnnxValue Suppress(OnnxCall c)
    {
        Shape boxShape = c.Shape(0), scoreShape = c.Shape(1);
        if (boxShape.Rank != 3 || boxShape[2] != 4 || scoreShape.Rank != 3 || scoreShape[0] != boxShape[0] || scoreShape[2] != boxShape[1])
            throw new OnnxException($"boxes {boxShape} and scores {scoreShape}");
        double[] boxes = c.Floats(0), scores = c.Floats(1);
        long most = c.Has(2) ? c.Integers(2)[0] : 0;
        double overlap = c.Has(3) ? c.Floats(3)[0] : 0, least = c.Has(4) ? c.Floats(4)[0] : double.NegativeInfinity;
        bool centred = c.Int("center_point_box", 0) == 1;
        int count = checked((int)boxShape[1]);
        var chosen = new List<long>();
        for (int batch = 0; batch < boxShape[0]; batch++)
        {
            Box[] all = [.. Enumerable.Range(0, count).Select(i => BoxAt(boxes.AsSpan((batch * count + i) * 4, 4), centred))];
            for (int type = 0; type < scoreShape[1]; type++)
            {
                int first = (int)(batch * scoreShape[1] + type) * count;
                var kept = new List<int>();
                foreach (int i in Enumerable.Range(0, count).Where(i => scores[first + i] > least).OrderByDescending(i => scores[first + i]))
                {
                    if (kept.Count >= most)
                        break;
                    if (kept.TrueForAll(k => all[k].OverlapWith(all[i]) <= overlap))
                        kept.Add(i);
                }

                chosen.AddRange(kept.SelectMany(i => new long[] { batch, type, i }));
            }
        }

        return OnnxCall.Longs(Shape.Of(chosen.Count / 3, 3), [.. chosen]);
    }

    private static Box BoxAt(ReadOnlySpan<double> b, bool centred) => centred
        ? new Box(b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2)
        : new Box(Math.Min(b[0], b[2]), Math.Min(b[1], b[3]), Math.Max(b[0], b[2]), Math.Max(b[1], b[3]));
}
