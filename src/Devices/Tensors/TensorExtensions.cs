using Singa.Actors.Graph;

namespace Singa.Actors.Devices;

/// <summary>Values of tensors, computed on the process's default device when they are asked for.</summary>
public static class TensorExtensions
{
    extension(Tensor tensor)
    {
        /// <summary>All elements, row by row.</summary>
        /// <exception cref="GraphException">They are of another type, or too many for an array.</exception>
        public T[] ToArray<T>() where T : unmanaged
        {
            var result = new T[Fitting(tensor)];
            DefaultDevice.Current.CopyTo(tensor, result.AsSpan());
            return result;
        }

        /// <summary>Elements from number <paramref name="offset"/> on, row by row: the way to read tensors too large for an array.</summary>
        public void CopyTo<T>(Span<T> target, long offset = 0) where T : unmanaged => DefaultDevice.Current.CopyTo(tensor, target, offset);

        /// <summary>The one element of a tensor that has one.</summary>
        public T ToScalar<T>() where T : unmanaged
        {
            if (tensor.Shape.Count != 1)
                throw new GraphException($"{tensor.Type} has {tensor.Shape.Count} elements and is no scalar: reduce it, or pick one as in x[0, 0]");
            Span<T> one = [default];
            DefaultDevice.Current.CopyTo(tensor, one);
            return one[0];
        }

        /// <summary>Type and numbers, of large tensors the corners.</summary>
        public string Show() => DefaultDevice.Current.Show(tensor);

        /// <summary>Shows the tensor on standard output.</summary>
        public void Print() => Console.Out.WriteLine(DefaultDevice.Current.Show(tensor));
    }

    extension(Tensor)
    {
        /// <summary>Computes several tensors together: what they share is computed once, and what is built on them starts from there.</summary>
        public static void Evaluate(params IReadOnlyList<Tensor> tensors) => DefaultDevice.Current.Evaluate(tensors);
    }

    private static int Fitting(Tensor tensor) => tensor.Shape.Count <= Array.MaxLength ? (int)tensor.Shape.Count
        : throw new GraphException($"{tensor.Type} has {tensor.Shape.Count} elements, more than an array holds: CopyTo reads a part");
}
