using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tests.Tensors;

/// <summary>Einstein's notation as loops over every index; each character is an axis.</summary>
internal static class Loops
{
    public static (Shape Shape, double[] Values) Einsum(string notation, params Tensor[] operands)
    {
        string text = notation.Replace(" ", "");
        string[] sides = text.Split("->"), terms = sides[0].Split(',');
        string result = sides.Length == 2 ? sides[1]
            : string.Concat(string.Concat(terms).GroupBy(c => c).Where(g => g.Count() == 1 || !char.IsLetter(g.Key)).Select(g => g.Key).OrderBy(c => char.IsLetter(c) ? c : -c));
        var sizes = new Dictionary<char, long>();
        for (int i = 0; i < terms.Length; i++)
        {
            for (int axis = 0; axis < terms[i].Length; axis++)
                sizes[terms[i][axis]] = Math.Max(operands[i].Shape[axis], sizes.GetValueOrDefault(terms[i][axis]));
        }

        char[] labels = [.. result, .. sizes.Keys.Where(c => !result.Contains(c))];
        var shape = Shape.Of([.. result.Select(c => sizes[c])]);
        var values = new double[shape.Count];
        double[][] data = [.. operands.Select(o => o.Convert(DType.Float64).ToArray<double>())];
        var at = new Dictionary<char, long>();
        Loop(0);
        return (shape, values);

        void Loop(int depth)
        {
            if (depth == labels.Length)
            {
                double product = 1;
                for (int i = 0; i < terms.Length; i++)
                    product *= data[i][Offset(terms[i], operands[i].Shape)];
                values[Offset(result, shape)] += product;
                return;
            }

            for (long i = 0; i < sizes[labels[depth]]; i++)
            {
                at[labels[depth]] = i;
                Loop(depth + 1);
            }
        }

        long Offset(string term, Shape of) => term.Select((c, axis) => of[axis] == 1 ? 0 : at[c] * of.ContiguousStrides()[axis]).Sum();
    }
}
