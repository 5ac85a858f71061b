using System.Collections;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Singa.Actors.Graph;

/// <summary>An immutable list that is equal when its elements are, so that records holding it are too.</summary>
[CollectionBuilder(typeof(Seq), nameof(Seq.Create))]
public readonly struct Seq<T>(ImmutableArray<T> items) : IEquatable<Seq<T>>, IReadOnlyList<T>
{
    private readonly ImmutableArray<T> items = items;

    public ImmutableArray<T> Items => items.IsDefault ? [] : items;

    public int Count => Items.Length;

    public T this[int index] => Items[index];

    public bool Contains(T item) => Items.Contains(item);

    public int IndexOf(T item) => Items.IndexOf(item);

    public bool Equals(Seq<T> other) => Items.AsSpan().SequenceEqual(other.Items.AsSpan());

    public override bool Equals(object? obj) => obj is Seq<T> other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var item in Items)
            hash.Add(item);
        return hash.ToHashCode();
    }

    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)Items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => $"[{string.Join(", ", Items)}]";

    public static bool operator ==(Seq<T> a, Seq<T> b) => a.Equals(b);

    public static bool operator !=(Seq<T> a, Seq<T> b) => !a.Equals(b);
}

public static class Seq
{
    public static Seq<T> Create<T>(ReadOnlySpan<T> items) => new([.. items]);

    public static Seq<T> ToSeq<T>(this IEnumerable<T> items) => new([.. items]);
}
